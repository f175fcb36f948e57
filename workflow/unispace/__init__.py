"""Unispace: research on visual identity spaces that anyone can rerun."""
