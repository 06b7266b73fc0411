"""How well a picture follows a control map, by the measures of the field."""
