"""Reading and writing: images, masks, fields, tables; axes are turned here and only here."""
