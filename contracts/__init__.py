"""The words that every room shares. Pure: imports no other room."""
