"""The clock in the file: it runs at the speed of time, whatever the walls of those who look at it say."""

from hypothesis import given
from hypothesis import strategies as st

from reference_impl.dedup.file_clock import SLACK_MS, FileClock, Written, passed


class Machine:
    """One monotonic clock, some processes with walls of their own, and what stands in the file."""

    def __init__(self, skews_ms: list[float]) -> None:
        self.now_ms = 1000.0
        self.skews_ms = skews_ms
        self.written: Written | None = None
        self.clocks = [self._clock(number) for number in range(len(skews_ms))]

    def _clock(self, number: int) -> FileClock:
        return FileClock(lambda: 1e12 + self.now_ms + self.skews_ms[number], lambda: self.now_ms, "boot")

    def look(self, number: int) -> float:
        look = self.clocks[number].look(self.written)
        if look.tell:
            self.written = look.clock
        return look.clock.now_ms


@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.floats(0, 4000), st.sampled_from([-3000.0, -1500.0, 0.0, 1500.0, 3000.0])), max_size=40
    )
)
def test_constant_skew_and_steps_of_seconds_change_nothing(course: list[tuple[int, float, float]]) -> None:
    machine = Machine([0.0, -3000.0, 3000.0])
    zero = machine.look(0) - machine.now_ms
    for number, passes_ms, skew_ms in course:
        machine.now_ms += passes_ms
        machine.skews_ms[number] = skew_ms
        assert abs(machine.look(number) - machine.now_ms - zero) < 0.01


def test_a_wall_that_runs_fast_does_not_make_it_fast() -> None:
    machine = Machine([0.0])
    zero = machine.look(0) - machine.now_ms
    for _ in range(200):
        machine.now_ms += 250
        machine.skews_ms[0] += 0.05 * 250
        machine.look(0)
    assert abs(machine.look(0) - machine.now_ms - zero) < 0.01


def test_time_that_the_monotonic_clock_missed_is_seen_by_the_walls_and_told() -> None:
    machine = Machine([0.0, 3000.0])
    machine.look(0)
    begun_ms = machine.look(1)
    machine.skews_ms = [200.0, 3200.0]  # the machine slept: both walls moved on, the other clock did not
    assert abs(machine.look(1) - begun_ms - 200) < 0.01
    assert abs(machine.look(0) - begun_ms - 200) < 0.01
    fresh = FileClock(lambda: 0.0, lambda: machine.now_ms, "boot").look(machine.written)
    assert abs(fresh.clock.now_ms - begun_ms - 200) < 0.01 and not fresh.tell


def test_it_goes_on_from_where_it_stood_when_the_machine_or_the_file_begins_anew() -> None:
    assert FileClock(lambda: 7.0, lambda: 1.0, "later").look(Written(500.0, 9e9, "earlier")).clock == Written(
        500.0, 1.0, "later"
    )
    clock = FileClock(lambda: 7.0, lambda: 1.0, "boot")
    assert clock.look(Written(500.0, 1.0, "boot")).clock.now_ms == 500.0
    assert clock.look(None).tell and clock.look(None).clock.now_ms == 500.0


def test_a_wall_that_runs_fast_in_small_steps_does_not_make_it_fast_however_often_it_is_looked_at() -> None:
    machine = Machine([0.0])
    zero = machine.look(0) - machine.now_ms
    for number in range(3000):
        machine.now_ms += 10
        machine.skews_ms[0] += 5 if number % 10 == 0 else 0
        machine.look(0)
    assert abs(machine.look(0) - machine.now_ms - zero) < 0.01


def test_little_by_little_what_the_monotonic_clock_missed_is_seen_all_the_same() -> None:
    machine = Machine([0.0])
    begun_ms = machine.look(0)
    for _ in range(200):
        machine.skews_ms[0] += 5
        machine.look(0)
    assert abs(machine.look(0) - begun_ms - 1000) <= SLACK_MS


def test_what_counts_as_time_that_passed() -> None:
    assert passed(0, 250, 250) == (250, 0)
    assert passed(0, 260, 250) == (250, 0)
    assert passed(0, 450, 250) == (450, 0)
    assert passed(0, 285, 250) == (250, 20)
    assert passed(10, 285, 250) == (295, 0)
    assert passed(10, 3250, 250) == (250, 0)
    assert passed(10, -2750, 250) == (250, 0)
