"""What the platform is measured beside. All share a decoder and a sink."""
