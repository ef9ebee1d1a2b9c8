package ml

// An Operator is a symmetric positive definite matrix that is only ever applied.
type Operator interface {
	// Apply sets dst to A·p. It may first round p, in place, to a vector it can
	// apply exactly.
	Apply(dst, p []float64)
	// Energy returns pᵀ·A·p. It may round p like Apply.
	Energy(p []float64) float64
}

// CG solves A·x = b by conjugate gradients with a diagonal preconditioner
// (Hestenes and Stiefel 1952; Jacobi preconditioning), always from zero. Few
// steps are a regulariser in themselves. The zero value is ready; it keeps its
// buffers between calls and serves one goroutine.
type CG struct{ r, z, p, q []float64 }

// Steps says how far [CG.Solve] goes.
type Steps struct {
	// Most is how many steps are taken, from 1, or fewer when they have converged.
	Most int
	// Last is the length of the last step; 0 asks the operator for an energy and
	// takes the best length. A fixed one saves half an application, and with few steps
	// it loses nothing where x is a regularised answer rather than an exact one.
	Last float64
	// Crowded, when it is not 0, has one step more taken, where there are two or more, if A
	// has so many times as much of the first direction as its diagonal has. There a
	// step is short, and as many leave more undone than elsewhere.
	Crowded float64
}

// Solve fills x, and returns how often A was applied. diag is the diagonal of A, all
// positive. All vectors have one length.
func (c *CG) Solve(op Operator, diag, b, x []float64, steps Steps) (applied int) {
	c.start(diag, b)
	clear(x)
	rz := Dot(c.r, c.z)
	for t, most := 1, steps.Most; t <= most && rz > 0; t++ {
		if t == most {
			c.finish(op, x, steps.Last)
			return applied
		}
		op.Apply(c.q, c.p)
		applied++
		e := Dot(c.p, c.q)
		if !(e > 0) {
			return applied
		}
		// Of the first direction the diagonal has Dot(r, p).
		if t == 1 && steps.Crowded > 0 && e >= float64(steps.Crowded*Dot(c.r, c.p)) {
			most++
		}
		// The operator may have rounded p, so the step along it is Dot(r, p)/e
		// and not the textbook's Dot(r, z)/e.
		a := Dot(c.r, c.p) / e
		AddScaled(x, a, c.p)
		AddScaled(c.r, -a, c.q)
		precondition(c.z, c.r, diag)
		next := Dot(c.r, c.z)
		turn(c.p, c.z, next/rz)
		rz = next
	}
	return applied
}

func (c *CG) finish(op Operator, x []float64, last float64) {
	if last > 0 {
		AddScaled(x, last, c.p)
	} else if e := op.Energy(c.p); e > 0 {
		AddScaled(x, Dot(c.r, c.p)/e, c.p)
	}
}

func (c *CG) start(diag, b []float64) {
	n := len(b)
	c.r, c.z, c.p, c.q = grow(c.r, n), grow(c.z, n), grow(c.p, n), grow(c.q, n)
	copy(c.r, b)
	precondition(c.z, c.r, diag)
	copy(c.p, c.z)
}

func precondition(z, r, diag []float64) {
	for i := range z {
		z[i] = r[i] / diag[i]
	}
}

// turn sets p to z + beta·p.
func turn(p, z []float64, beta float64) {
	for i := range p {
		p[i] = z[i] + float64(beta*p[i])
	}
}

// grow returns a slice of length n, reusing s when it is large enough. Its
// contents are unspecified.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, n+n/4)
	}
	return s[:n]
}
