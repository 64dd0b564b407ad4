"""Reading and writing photos: formats, profiles, EXIF, 16 bit, transparency."""
