"""What is registered, and who may see it; written once over ``glaas.store.keyed``."""
