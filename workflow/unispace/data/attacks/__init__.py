"""Attacks on face recognition made from bona fide pictures: presentation attacks and morphs."""
