"""What the page takes; it says so before anything is sent."""

MEGABYTES = 256  # of one sent file
MEGAPIXELS = 64  # of one photo; a larger one is refused before it is decoded
WAITING = 16  # events in the queue; one more is asked to come back later

BATCH_PHOTOS = 50
BATCH_MEGAPIXELS = 400  # of all photos of a batch together
BATCH_MEGABYTES = 512  # of a zip's photos, unpacked
