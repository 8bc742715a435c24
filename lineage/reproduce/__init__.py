"""Making again what was recorded: a plan from records alone. Pure; who carries it out is `roarctl.reproducing`."""
