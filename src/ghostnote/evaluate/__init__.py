"""How models are judged: metrics on grooves, and the two-sample test."""
