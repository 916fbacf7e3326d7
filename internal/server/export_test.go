package server

// Dir returns the directory of a cluster. Tests check that it is removed.
func (c *Cluster) Dir() string { return c.dir }
