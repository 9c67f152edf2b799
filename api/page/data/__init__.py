"""Data on its way in: uploads, what their columns are for, the histories they become."""
