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

// stamp says which sources the modules were made from, and their hashes for the attribute
// "integrity" (W3C, Subresource Integrity).
func stamp(folder string, modules map[string][]byte) ([]byte, error) {
	sources, err := sources(folder)
	if err != nil {
		return nil, err
	}
	integrity := func(module []byte) string {
		sum := sha512.Sum384(module)
		return "sha384-" + base64.StdEncoding.EncodeToString(sum[:])
	}
	made, err := json.MarshalIndent(map[string]string{"sources": sources, "integrity": integrity(modules["thimble"]), "rank": integrity(modules["rank"])}, "", "  ")
	return append(made, '\n'), err
}

// sources hashes what the modules are made from: package.json for its version, and each
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
