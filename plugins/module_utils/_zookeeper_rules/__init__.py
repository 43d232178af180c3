# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""The rules of one ZooKeeper server's ``zoo.cfg``. Private to the collection; the way in is ``_zookeeper_config.check_server``."""
