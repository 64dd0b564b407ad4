"""What the page takes, and how long it keeps that; it says so before anything is sent."""

MEGABYTES = 256  # of one sent file
MEGAPIXELS = 64  # of one photo; a larger one is refused before it is decoded
GRACE = 300  # s that a photo is kept after the page was closed; a phone also closes it when it goes to sleep
WAITING = 16  # events in the queue; one more is asked to come back later

BATCH_PHOTOS = 50
BATCH_MEGAPIXELS = 400  # of all photos of a batch together
BATCH_MEGABYTES = 512  # of a zip's photos, unpacked
