"""What acknet claims about speed and memory, measured again: one module a question, run by hand, never as a test."""
