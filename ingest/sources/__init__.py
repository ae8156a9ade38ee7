"""Where the world is heard: one module a source; sources do not know each other."""
