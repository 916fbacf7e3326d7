package server

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
)

// Standby returns a second server that follows this one by streaming replication and accepts read-only sessions. This
// server is stopped for the copy, which ends its sessions: the npm packages have no pg_basebackup.
func (c *Cluster) Standby(ctx context.Context) (*Cluster, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.guard == nil {
		return nil, ErrStopped
	}
	options := c.options
	options.Settings = maps.Clone(options.Settings)
	if options.Settings == nil {
		options.Settings = map[string]string{}
	}
	options.Settings["primary_conninfo"] = fmt.Sprintf("host=127.0.0.1 port=%d user=postgres", c.port)
	standby, err := prepare(Installation{Bin: c.bin, Major: c.Major, Version: c.Version}, options)
	if err != nil {
		return nil, err
	}
	err = c.end(ctx, shutDown)
	if err == nil {
		err = copyTree(c.data(), standby.data(), standby.owner)
		err = errors.Join(err, c.run(ctx))
	}
	if err == nil {
		err = standby.follow(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("standby: %w", err), standby.remove())
	}
	return standby, nil
}

// follow starts the server as a standby.
func (c *Cluster) follow(ctx context.Context) error {
	root, err := os.OpenRoot(c.data())
	if err != nil {
		return err
	}
	defer root.Close()
	if err := root.WriteFile("standby.signal", nil, 0o600); err != nil {
		return err
	}
	if err := c.owner.chown(root, "standby.signal"); err != nil {
		return err
	}
	return c.startOnFreePort(ctx)
}
