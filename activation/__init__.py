"""Acts on the world: CRM write-back."""
