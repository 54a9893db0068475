package event

// Host is the machine that something was recorded on, and what ran there. What is not known is
// empty.
type Host struct {
	Name   string `json:"name"`
	Kernel string `json:"kernel"` // uname -r
	Arch   string `json:"arch"`   // as Go calls it: amd64, arm64
	CPUs   int    `json:"cpus"`   // possible ones: CPU numbers are below
	Model  string `json:"model,omitempty"`
	Go     string `json:"go"`
	Root   bool   `json:"root"`
	Cgroup string `json:"cgroup,omitempty"`
}
