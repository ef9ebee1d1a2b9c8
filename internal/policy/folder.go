package policy

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"thimble"
)

// ReadFolder returns the packs of a folder: each NAME.yaml with NAME.yaml.sig beside
// it, if there is one. What else lies there is refused, but for files whose names
// begin with a dot: a pack that was misspelt must not be left out in silence.
func ReadFolder(folder fs.FS, name string) ([]File, error) {
	entries, err := fs.ReadDir(folder, ".")
	if err != nil {
		return nil, fmt.Errorf("policy: the folder of packs %s cannot be read: %w", name, thimble.ErrInvalid)
	}
	names := map[string]bool{}
	for _, e := range entries {
		names[e.Name()] = true
	}
	var files []File
	for _, e := range entries {
		switch base, signed := strings.CutSuffix(e.Name(), ".sig"); {
		case strings.HasPrefix(e.Name(), "."):
		case signed && names[base]:
		case signed:
			return nil, fmt.Errorf("policy: %s: the pack it signs, %s, is not there: %w", filepath.Join(name, e.Name()), base, thimble.ErrInvalid)
		case e.IsDir() || !strings.HasSuffix(e.Name(), ".yaml"):
			return nil, fmt.Errorf("policy: %s: a pack is a file called NAME.yaml; move anything else out of the folder: %w", filepath.Join(name, e.Name()), thimble.ErrInvalid)
		default:
			f, err := readPackFile(folder, name, e.Name())
			if err != nil {
				return nil, err
			}
			files = append(files, f)
		}
	}
	return files, nil
}

func readPackFile(folder fs.FS, name, file string) (File, error) {
	f := File{Name: filepath.Join(name, file)}
	var err error
	if f.Text, err = fs.ReadFile(folder, file); err != nil {
		return f, fmt.Errorf("policy: %s cannot be read: %w", f.Name, thimble.ErrInvalid)
	}
	if f.Signature, err = fs.ReadFile(folder, file+".sig"); err != nil {
		f.Signature = nil
		if !errors.Is(err, fs.ErrNotExist) {
			return f, fmt.Errorf("policy: %s.sig cannot be read: %w", f.Name, thimble.ErrInvalid)
		}
	}
	return f, nil
}
