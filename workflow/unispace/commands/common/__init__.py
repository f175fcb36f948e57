"""What commands share: arguments, log, reading and writing."""
