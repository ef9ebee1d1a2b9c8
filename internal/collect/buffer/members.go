package buffer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"thimble"
)

// belongs is what a folder says of whose it is. Membership is fixed: a change of it
// together with a partition has cost acknowledged messages (nats-server issue 7545).
type belongs struct {
	Node    string   `json:"node"`
	Members []string `json:"members"`
}

// keepMembers writes down who the members are at the first start, and refuses a
// start among others. Their addresses may change.
func keepMembers(cfg Config) error {
	want := belongs{Node: cfg.Node}
	for _, m := range cfg.Members {
		want.Members = append(want.Members, m.Name)
	}
	slices.Sort(want.Members)
	path := filepath.Join(cfg.Folder, "members.json")
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return writeMembers(path, want)
	}
	if err != nil {
		return fmt.Errorf("buffer: reading whose the folder is: %w", err)
	}
	var is belongs
	if err := json.Unmarshal(b, &is); err != nil {
		return fmt.Errorf("buffer: %s is damaged: %w: %w", path, err, thimble.ErrConflict)
	}
	if is.Node != want.Node || !slices.Equal(is.Members, want.Members) {
		return fmt.Errorf("buffer: the folder %s is that of %s among %v, and was to be that of %s among %v; members cannot change: "+
			"let everything be archived, stop all nodes and give each an empty folder: %w", cfg.Folder, is.Node, is.Members, want.Node, want.Members, thimble.ErrConflict)
	}
	return nil
}

func writeMembers(path string, is belongs) error {
	b, err := json.Marshal(is)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("buffer: making the folder: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), "members-")
	if err != nil {
		return fmt.Errorf("buffer: writing whose the folder is: %w", err)
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err == nil {
		err = syncFolder(filepath.Dir(path))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("buffer: writing whose the folder is: %w", err), os.Remove(f.Name()))
	}
	return nil
}
