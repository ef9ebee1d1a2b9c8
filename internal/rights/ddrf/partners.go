package ddrf

import (
	"fmt"
	"io/fs"
	"strings"
)

// LoadPartners reads a folder of discovery files, each saved by the operator as the domain
// of its firm with .json behind. The error names the file.
func LoadPartners(dir fs.FS) (Partners, error) {
	files, err := fs.Glob(dir, "*.json")
	if err != nil {
		return nil, fmt.Errorf("ddrf: listing discovery files: %w", err)
	}
	p := Partners{}
	for _, name := range files {
		domain := strings.TrimSuffix(name, ".json")
		if err := CheckDomain(domain); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		text, err := fs.ReadFile(dir, name)
		if err != nil {
			return nil, fmt.Errorf("ddrf: reading %s: %w", name, err)
		}
		if p[domain], err = ParseDiscovery(text); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return p, nil
}
