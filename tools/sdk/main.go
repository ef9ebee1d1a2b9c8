// Command sdk builds the browser SDK: two ES modules, sdk/js/dist/thimble.js and rank.js,
// from sdk/js/src. It needs Go only.
//
// It promises that the same sources give the same bytes, and writes beside them which
// sources they were made from, so that a test of the product finds a module that is
// older than its sources.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/evanw/esbuild/pkg/api"
)

func main() {
	folder := flag.String("sdk", "sdk/js", "the folder of the SDK")
	flag.Parse()
	if err := run(*folder); err != nil {
		fmt.Fprintln(os.Stderr, "sdk:", err)
		os.Exit(1)
	}
}

// names are the modules, each made from the source of its name and what that imports.
var names = []string{"thimble", "rank"}

func run(folder string) error {
	modules, err := buildAll(folder)
	if err != nil {
		return err
	}
	made, err := stamp(folder, modules)
	if err != nil {
		return err
	}
	dist := filepath.Join(folder, "dist")
	if err := os.MkdirAll(dist, 0o755); err != nil {
		return err
	}
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(dist, name+".js"), modules[name], 0o644); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(dist, "build.json"), made, 0o644)
}

func buildAll(folder string) (map[string][]byte, error) {
	modules := map[string][]byte{}
	for _, name := range names {
		module, err := build(folder, name)
		if err != nil {
			return nil, err
		}
		modules[name] = module
	}
	return modules, nil
}

// build bundles and minifies the sources of one module for browsers that know shadow roots
// with style sheets made by script.
func build(folder, name string) ([]byte, error) {
	version, err := version(folder)
	if err != nil {
		return nil, err
	}
	r := api.Build(api.BuildOptions{
		EntryPoints: []string{filepath.Join(folder, "src", name+".ts")}, Bundle: true, Format: api.FormatESModule, Charset: api.CharsetUTF8,
		MinifyWhitespace: true, MinifyIdentifiers: true, MinifySyntax: true, LegalComments: api.LegalCommentsNone,
		Engines:     []api.Engine{{Name: api.EngineChrome, Version: "99"}, {Name: api.EngineFirefox, Version: "101"}, {Name: api.EngineSafari, Version: "16.4"}},
		Define:      map[string]string{"THIMBLE_VERSION": fmt.Sprintf("%q", version)},
		Banner:      map[string]string{"js": "/*! " + name + ".js " + version + ", Apache-2.0 */"},
		TsconfigRaw: `{}`,
	})
	if len(r.Errors) > 0 {
		e := r.Errors[0]
		if e.Location != nil {
			return nil, fmt.Errorf("%s:%d: %s", e.Location.File, e.Location.Line, e.Text)
		}
		return nil, fmt.Errorf("%s", e.Text)
	}
	return r.OutputFiles[0].Contents, nil
}

func version(folder string) (string, error) {
	b, err := os.ReadFile(filepath.Join(folder, "package.json"))
	if err != nil {
		return "", err
	}
	var p struct{ Version string }
	if err := json.Unmarshal(b, &p); err != nil || p.Version == "" {
		return "", fmt.Errorf("package.json: version: one was expected: %w", err)
	}
	return p.Version, nil
}
