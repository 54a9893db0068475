package poll

// table holds the state of a loop's connections. A connection is known by its place in it, and the
// place freed last is taken first, so the table is as dense as it can be, whatever the numbers of
// the descriptors are, and stays in the cache. It grows by pages that never move: a *T holds as
// long as its place is taken. With a T that holds no pointers the garbage collector does not look
// inside.
type table[T any] struct {
	pages []*[pageLen]T
	free  []int32 // places given back
	top   int32   // places ever taken
}

// pageLen is how many connections the table grows by.
const pageLen = 64

// take returns a place of which nothing is known: it holds what was left there.
func (t *table[T]) take() int32 {
	if n := len(t.free); n > 0 {
		id := t.free[n-1]
		t.free = t.free[:n-1]
		return id
	}
	id := t.top
	if int(id/pageLen) == len(t.pages) {
		t.pages = append(t.pages, new([pageLen]T))
	}
	t.top++
	return id
}

func (t *table[T]) give(id int32) { t.free = append(t.free, id) }

func (t *table[T]) at(id int32) *T { return &t.pages[uint32(id)/pageLen][uint32(id)%pageLen] }
