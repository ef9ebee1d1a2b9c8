package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
)

// AssetPrefix is the path below which a door mounts [Kit.Assets].
const AssetPrefix = "/assets/"

type asset struct {
	plain, gzipped []byte
	contentType    string
}

// An assetSet is fixed once built, so that serving needs no lock and no disk.
type assetSet struct {
	byName map[string]string // "base.css" to "base.1f2e3d4c5b6a.css"
	byHash map[string]asset
}

func newAssetSet(trees ...fs.FS) (*assetSet, error) {
	s := &assetSet{byName: map[string]string{}, byHash: map[string]asset{}}
	for _, tree := range trees {
		err := fs.WalkDir(tree, ".", func(file string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := fs.ReadFile(tree, file)
			if err != nil {
				return err
			}
			return s.add(path.Base(file), data)
		})
		if err != nil {
			return nil, fmt.Errorf("web: loading assets: %w", err)
		}
	}
	return s, nil
}

func (s *assetSet) add(name string, data []byte) error {
	if _, taken := s.byName[name]; taken {
		return fmt.Errorf("asset %q is there twice", name)
	}
	sum := sha256.Sum256(data)
	ext := path.Ext(name)
	hashed := strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:6]) + ext
	small, err := compress(data)
	if err != nil {
		return fmt.Errorf("compressing asset %q: %w", name, err)
	}
	s.byName[name] = hashed
	s.byHash[hashed] = asset{plain: data, gzipped: small, contentType: contentType(ext)}
	return nil
}

// compress returns nil when gzip saves nothing.
func compress(data []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	if b.Len() >= len(data) {
		return nil, nil
	}
	return b.Bytes(), nil
}

// contentType does not ask the operating system first: its table differs from
// machine to machine, and under nosniff a wrong answer blocks the asset.
func contentType(ext string) string {
	switch ext {
	case ".css":
		return "text/css; charset=utf-8"
	case ".js", ".mjs":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".txt":
		return "text/plain; charset=utf-8"
	}
	if t := mime.TypeByExtension(ext); t != "" {
		return t
	}
	return "application/octet-stream"
}

func (s *assetSet) path(name string) (string, error) {
	hashed, ok := s.byName[name]
	if !ok {
		return "", fmt.Errorf("web: there is no asset %q", name)
	}
	return AssetPrefix + hashed, nil
}

// ServeHTTP implements http.Handler.
func (s *assetSet) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	a, ok := s.byHash[strings.TrimPrefix(r.URL.Path, AssetPrefix)]
	if !ok {
		http.Error(w, "not found", http.StatusNotFound)
		return
	}
	h := w.Header()
	h.Set("Content-Type", a.contentType)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Vary", "Accept-Encoding")
	body := a.plain
	if a.gzipped != nil && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = a.gzipped
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method == http.MethodGet {
		_, _ = w.Write(body)
	}
}
