package registry

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"time"
)

// A File is one file of a package.
type File struct {
	Name    string
	Content []byte
}

// Bounds of a package, in bytes and files.
const (
	maxFile  = 1 << 30
	maxFiles = 64
)

// Archive writes files, which are in ascending order of their names, as one archive:
// a POSIX tar without owners, times or anything else that could differ.
func Archive(files []File) ([]byte, error) {
	size := 1024
	for _, f := range files {
		size += 512 + (len(f.Content)+511)/512*512
	}
	out := bytes.NewBuffer(make([]byte, 0, size))
	w := tar.NewWriter(out)
	for _, f := range files {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: f.Name, Size: int64(len(f.Content)), Mode: 0o644, ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR}
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.Content); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// Unarchive reads what Archive wrote, and nothing else: the files are regular, named
// once and in order, and writing them again gives the same bytes.
func Unarchive(content []byte) ([]File, error) {
	r := tar.NewReader(bytes.NewReader(content))
	var files []File
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil || h.Typeflag != tar.TypeReg || !cleanName(h.Name) || len(files) == maxFiles ||
			len(files) > 0 && h.Name <= files[len(files)-1].Name {
			return nil, Refuse(RuleArchive, "")
		}
		if h.Size > maxFile {
			return nil, Refuse(RuleSize, "")
		}
		// What a header claims is believed only as far as there are bytes.
		if h.Size < 0 || h.Size > int64(len(content)) {
			return nil, Refuse(RuleArchive, "it is cut short")
		}
		f := File{Name: h.Name, Content: make([]byte, h.Size)}
		if _, err := io.ReadFull(r, f.Content); err != nil {
			return nil, Refuse(RuleArchive, "it is cut short")
		}
		files = append(files, f)
	}
	again, err := Archive(files)
	if err != nil || !bytes.Equal(again, content) {
		return nil, Refuse(RuleArchive, "")
	}
	return files, nil
}
