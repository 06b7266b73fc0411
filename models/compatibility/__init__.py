"""Whether the parts of a graph belong together: graph -> facts -> rules -> findings -> report."""
