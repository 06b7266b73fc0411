"""Floor plans as control maps: rooms as flat areas, walls as a space that a camera looks into."""
