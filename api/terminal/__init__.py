"""What people read in a terminal: tables and sentences made of documents."""
