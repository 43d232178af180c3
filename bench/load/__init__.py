# SPDX-License-Identifier: GPL-3.0-or-later
"""The judge: sends numbered messages to a topic, reads all of them afterwards, and says what became of each.

``account.py`` decides and is pure, ``clients.py`` talks to Kafka, ``python -m load`` is the command.
"""
