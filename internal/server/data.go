package server

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// settingsFile is the file that contains the package's settings. postgresql.conf includes it at its end.
const settingsFile = "rekey.conf"

// initialise creates the data directory. initdb takes a second or more, so its result is kept in the cache, by version
// and options, and copied for later servers; all of them have the same system identifier. It works without a cache
// too.
func (c *Cluster) initialise(ctx context.Context) error {
	cache, err := cacheDir()
	name, nameErr := c.templateName()
	if err != nil || nameErr != nil {
		return c.initdb(ctx)
	}
	kept := filepath.Join(cache, name)
	if _, err := os.Stat(kept); err == nil {
		return copyTree(kept, c.data(), c.owner)
	}
	if err := c.initdb(ctx); err != nil {
		return err
	}
	// A failed copy costs the next start a second and is no reason to fail this one.
	_ = build(cache, name, func(dir string) error { return copyTree(c.data(), dir, account{}) })
	return nil
}

func initdbArguments(data string) []string {
	return []string{
		"--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "--pgdata=" + data,
	}
}

// templateName returns the name of initdb's result in the cache. It depends on the program, its version and its
// arguments.
func (c *Cluster) templateName() (string, error) {
	info, err := os.Stat(filepath.Join(c.bin, program("initdb")))
	if err != nil {
		return "", err
	}
	what := fmt.Sprintln(c.bin, c.Version, info.Size(), info.ModTime().UTC(), initdbArguments(""), os.Geteuid())
	return fmt.Sprintf("initdb-%s-%x", c.Version, sha256.Sum256([]byte(what)))[:len("initdb-")+len(c.Version)+17], nil
}

func (c *Cluster) initdb(ctx context.Context) error {
	cmd := c.command("initdb", initdbArguments(c.data())...)
	var output strings.Builder
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := c.guard.start(cmd); err != nil {
		return fmt.Errorf("initdb: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })
	defer stop()
	if err := cmd.Wait(); err != nil {
		return errors.Join(fmt.Errorf("initdb%s: %w: %s", c.owner.as(), err, strings.TrimSpace(output.String())), ctx.Err())
	}
	return nil
}

// command prepares one of PostgreSQL's programs, with an environment that contains no setting of the user's own
// PostgreSQL.
func (c *Cluster) command(name string, arguments ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(c.bin, program(name)), arguments...)
	cmd.Dir = c.dir
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, "PG") && !strings.HasPrefix(entry, "LC_") && !strings.HasPrefix(entry, "LANG") {
			cmd.Env = append(cmd.Env, entry)
		}
	}
	cmd.Env = append(cmd.Env, "LC_ALL=C")
	c.owner.apply(cmd)
	return cmd
}

// configure writes the settings file and includes it in postgresql.conf.
func (c *Cluster) configure() error {
	root, err := os.OpenRoot(c.data())
	if err != nil {
		return err
	}
	defer root.Close()
	text, err := configuration(c.options.settings(c.port, c.socketDir()))
	if err != nil {
		return err
	}
	if err := root.WriteFile(settingsFile, []byte(text), 0o600); err != nil {
		return err
	}
	if err := c.owner.chown(root, settingsFile); err != nil {
		return err
	}
	main, err := root.ReadFile("postgresql.conf")
	if err != nil || strings.Contains(string(main), "include '"+settingsFile+"'") {
		return err
	}
	return root.WriteFile("postgresql.conf", fmt.Appendf(main, "\ninclude '%s'\n", settingsFile), 0o600)
}

// copyTree copies a data directory and gives the copy to the owner. It reads and writes nothing outside of the two
// directories, even if they contain links: as root it copies files that another user wrote.
func copyTree(from, to string, owner account) error {
	source, err := os.OpenRoot(from)
	if err != nil {
		return err
	}
	defer source.Close()
	if err := os.Mkdir(to, 0o700); err != nil {
		return err
	}
	target, err := os.OpenRoot(to)
	if err != nil {
		return err
	}
	defer target.Close()
	return fs.WalkDir(source.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name = filepath.FromSlash(name)
		switch {
		case name == ".":
		case entry.IsDir():
			err = target.Mkdir(name, 0o700)
		case entry.Type().IsRegular():
			err = copyFile(source, target, name)
		default:
			err = fmt.Errorf("%s in %s is neither a file nor a directory", name, from)
		}
		return errors.Join(err, owner.chown(target, name))
	})
}

func copyFile(source, target *os.Root, name string) error {
	in, err := source.Open(name)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := target.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
