package main

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
)

// stamp says which sources a module was made from, and its hash for the attribute
// "integrity" (W3C, Subresource Integrity).
func stamp(folder string, module []byte) ([]byte, error) {
	sources, err := sources(folder)
	if err != nil {
		return nil, err
	}
	sum := sha512.Sum384(module)
	made, err := json.MarshalIndent(map[string]string{"sources": sources, "integrity": "sha384-" + base64.StdEncoding.EncodeToString(sum[:])}, "", "  ")
	return append(made, '\n'), err
}

// sources hashes what the module is made from: package.json for its version, and each
// file of src with its name.
func sources(folder string) (string, error) {
	files, err := filepath.Glob(filepath.Join(folder, "src", "*.ts"))
	if err != nil {
		return "", err
	}
	slices.Sort(files)
	h := sha256.New()
	for _, file := range append([]string{filepath.Join(folder, "package.json")}, files...) {
		b, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		sum := sha256.Sum256(b)
		h.Write([]byte(filepath.Base(file) + "\x00"))
		h.Write(sum[:])
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
