package web

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Pages is one door's or one capability's page files, parsed together with the
// shared layouts and components. It is safe for concurrent use.
type Pages struct {
	kit       *Kit
	byName    map[string]parsed
	fragments map[string]parsed // block name to the page that defines it
}

// A parsed page is one that is parsed when it is needed first: each has all of the kit in
// it, and most are not looked at for days.
type parsed func() (*template.Template, error)

// Pages parses the files of fsys that match the globs; "pages/*.html" without
// one. A file whose name starts with "_" is a partial and known to every page;
// each other file is a page and defines "main", and "title" unless it leaves it
// to [Page.Title].
func (k *Kit) Pages(fsys fs.FS, globs ...string) (*Pages, error) {
	if len(globs) == 0 {
		globs = []string{"pages/*.html"}
	}
	partials, pages, err := pageFiles(fsys, globs)
	if err != nil {
		return nil, err
	}
	shared := k.base // which is cloned and never executed
	if len(partials) > 0 {
		if shared, err = k.base.Clone(); err != nil {
			return nil, fmt.Errorf("web: cloning the shared templates: %w", err)
		}
	}
	p := &Pages{kit: k, byName: map[string]parsed{}, fragments: map[string]parsed{}}
	for _, file := range partials {
		if err := parseFile(shared, fsys, file); err != nil {
			return nil, err
		}
	}
	common := blockNames(shared)
	for _, file := range pages {
		if err := p.parsePage(shared, fsys, file, common); err != nil {
			return nil, err
		}
	}
	p.addShared(shared, common)
	return p, nil
}

func pageFiles(fsys fs.FS, globs []string) (partials, pages []string, err error) {
	for _, glob := range globs {
		files, err := fs.Glob(fsys, glob)
		if err != nil {
			return nil, nil, fmt.Errorf("web: page files %q: %w", glob, err)
		}
		if len(files) == 0 {
			return nil, nil, fmt.Errorf("web: no page file matches %q", glob)
		}
		for _, file := range files {
			if strings.HasPrefix(path.Base(file), "_") {
				partials = append(partials, file)
			} else {
				pages = append(pages, file)
			}
		}
	}
	return partials, pages, nil
}

func parseFile(t *template.Template, fsys fs.FS, file string) error {
	text, err := fs.ReadFile(fsys, file)
	if err != nil {
		return fmt.Errorf("web: reading page file %s: %w", file, err)
	}
	if _, err := t.New(path.Base(file)).Parse(string(text)); err != nil {
		return fmt.Errorf("web: parsing page file %s: %w", file, err)
	}
	return nil
}

func (p *Pages) parsePage(shared *template.Template, fsys fs.FS, file string, common map[string]bool) error {
	name := path.Base(file)
	if _, taken := p.byName[name]; taken {
		return fmt.Errorf("web: two page files are called %s", name)
	}
	parse := func() (*template.Template, error) {
		t, err := shared.Clone()
		if err != nil {
			return nil, fmt.Errorf("web: cloning for page %s: %w", name, err)
		}
		return t, parseFile(t, fsys, file)
	}
	t, err := parse() // so that a page that is wrong is told at the start
	if err != nil {
		return err
	}
	if t.Lookup("main") == nil {
		return fmt.Errorf(`web: page file %s defines no "main"`, name)
	}
	page := parsed(sync.OnceValues(parse))
	p.byName[name] = page
	for block := range blockNames(t) {
		if common[block] || block == "main" || block == name {
			continue
		}
		if _, taken := p.fragments[block]; taken {
			return fmt.Errorf("web: block %q of page file %s is also in another page: move it to a partial", block, name)
		}
		p.fragments[block] = page
	}
	return nil
}

// addShared makes the blocks of the partials and of the kit available as
// fragments. It clones, because an executed template can no longer be cloned.
func (p *Pages) addShared(shared *template.Template, common map[string]bool) {
	page := parsed(sync.OnceValues(func() (*template.Template, error) {
		t, err := shared.Clone()
		if err != nil {
			return nil, fmt.Errorf("web: cloning the fragments: %w", err)
		}
		return t, nil
	}))
	for block := range common {
		p.fragments[block] = page
	}
}

func blockNames(t *template.Template) map[string]bool {
	names := map[string]bool{}
	for _, d := range t.Templates() {
		names[d.Name()] = true
	}
	return names
}

// Names lists the page files, in order.
func (p *Pages) Names() []string {
	names := make([]string, 0, len(p.byName))
	for name := range p.byName {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Kit returns the kit the pages were parsed with.
func (p *Pages) Kit() *Kit { return p.kit }

// HTML renders a whole page.
func (p *Pages) HTML(r *http.Request, name string, page Page) ([]byte, error) {
	parse, ok := p.byName[name]
	if !ok {
		return nil, fmt.Errorf("web: there is no page %q", name)
	}
	t, err := parse()
	if err != nil {
		return nil, err
	}
	if page.Layout == "" {
		page.Layout = Plain
	}
	v := view{Page: page, Kit: p.kit.name, RequestID: RequestIDFrom(r.Context())}
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, "layout-"+page.Layout, v); err != nil {
		return nil, fmt.Errorf("web: rendering page %s: %w", name, err)
	}
	return b.Bytes(), nil
}

// Render sends a whole page, or the error page when it cannot be rendered: never
// half of one.
func (p *Pages) Render(w http.ResponseWriter, r *http.Request, status int, name string, page Page) {
	body, err := p.HTML(r, name, page)
	if err != nil {
		p.kit.fail(w, r, err)
		return
	}
	cache := "no-cache"
	if page.SignedIn() {
		cache = "no-store"
	}
	send(w, r, status, cache, body)
}

// Fragment sends one block alone, for htmx to swap in. The block is any that a
// partial, one of the page files or the kit defines. A fragment is never stored.
func (p *Pages) Fragment(w http.ResponseWriter, r *http.Request, block string, data any) {
	body, err := p.FragmentHTML(block, data)
	if err != nil {
		p.kit.fail(w, r, err)
		return
	}
	send(w, r, http.StatusOK, "no-store", body)
}

// FragmentHTML renders one block alone.
func (p *Pages) FragmentHTML(block string, data any) ([]byte, error) {
	parse, ok := p.fragments[block]
	if !ok {
		return nil, fmt.Errorf("web: there is no block %q", block)
	}
	t, err := parse()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, block, data); err != nil {
		return nil, fmt.Errorf("web: rendering block %s: %w", block, err)
	}
	return b.Bytes(), nil
}

func send(w http.ResponseWriter, r *http.Request, status int, cache string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", cache)
	h.Add("Vary", "HX-Request")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		// The reader may have gone away; there is nobody left to tell.
		_, _ = w.Write(body)
	}
}

// WantsFragment reports whether htmx asks for a part of the page, not the page.
// A page restored from the history wants all of it.
func WantsFragment(r *http.Request) bool {
	return r.Header.Get("HX-Request") == "true" && r.Header.Get("HX-Request-Type") == "partial" &&
		r.Header.Get("HX-History-Restore-Request") == ""
}
