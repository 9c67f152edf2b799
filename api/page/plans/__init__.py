"""A plan as it is read: kept ones, its parts and pictures, its report, plans side by side."""
