package poll

// lingerers are the connections that were shut down after an error and wait for the client to have
// read it, in the order of their deadlines, which is the order they came in: all have the same
// time.
type lingerers struct {
	list []lingerer
	head int
}

type lingerer struct {
	at     int64 // by server.now
	id     int32
	serial uint32 // which connection at that id: it may be gone by then
}

func (q *lingerers) empty() bool { return q.head == len(q.list) }

// first is the earliest deadline.
func (q *lingerers) first() int64 { return q.list[q.head].at }

func (q *lingerers) push(at int64, id int32, serial uint32) {
	if q.head > 0 && q.head*2 >= len(q.list) {
		q.list = q.list[:copy(q.list, q.list[q.head:])]
		q.head = 0
	}
	q.list = append(q.list, lingerer{at, id, serial})
}

func (q *lingerers) pop() (id int32, serial uint32) {
	first := q.list[q.head]
	q.head++
	return first.id, first.serial
}
