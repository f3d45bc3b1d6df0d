"""What ./dev is made of. Standard library only, except the two pytest plug-ins."""
