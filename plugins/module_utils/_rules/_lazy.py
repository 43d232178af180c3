# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Values that are worked out when they are first asked for."""

from __future__ import annotations

import functools
import typing as t

if t.TYPE_CHECKING:
    lazy = functools.cached_property
else:

    class lazy:
        """``functools.cached_property`` without its lock (until Python 3.11), which costs more than most of what is cached here."""

        def __init__(self, function):
            self._function = function
            self._name = function.__name__
            self.__doc__ = function.__doc__

        def __get__(self, instance, owner=None):
            if instance is None:
                return self
            value = instance.__dict__[self._name] = self._function(instance)
            return value
