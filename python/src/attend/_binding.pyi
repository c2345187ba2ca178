"""What make_binding.py makes has no types of its own: they end at this module."""
from typing import Any

ffi: Any
