"""Checks for the exercises in notebooks/exercises: they say what is probably wrong with an answer.

One module a lesson, of the lesson's name; ``check`` holds what they share, ``build`` makes the
students' notebooks.
"""
