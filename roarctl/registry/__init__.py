"""The registry's other end: who asks it, who sends to it, and what is remembered of it."""
