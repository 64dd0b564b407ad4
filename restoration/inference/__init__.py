"""From gray and a mask to filled gray, from gray to chroma: what `pipeline.Restorer` is made of."""
