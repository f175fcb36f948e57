"""Images from outside: archives and folders."""
