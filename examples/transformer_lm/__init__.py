"""A character-level transformer language model, trained with a schedule from anneal_jax."""
