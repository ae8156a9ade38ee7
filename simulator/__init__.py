"""A company whose truth is known; it speaks only through the doors of a real one."""
