"""Encoders as evaluators and apps take them: clipbench's own, other libraries', stored features."""
