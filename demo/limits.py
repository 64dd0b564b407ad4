"""The page's limits, and how long it keeps photos; the page states them before anything is uploaded."""

MEGABYTES = 256  # of one uploaded file
MEGAPIXELS = 64  # of one photo; a larger one is refused before it is decoded
GRACE = 300  # s that a photo is kept after the page is closed, as a phone does when it goes to sleep
WAITING = 16  # events in the queue; further ones have to retry

BATCH_PHOTOS = 50
BATCH_MEGAPIXELS = 400  # of all photos of a batch together
BATCH_MEGABYTES = 512  # of a zip's photos, unpacked
