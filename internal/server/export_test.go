package server

// Dir gives tests the directory of a cluster, to see that it goes.
func (c *Cluster) Dir() string { return c.dir }
