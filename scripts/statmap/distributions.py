"""What the values of a map are distributed as where nothing is active: one class per statistic.

In the manner of scipy's frozen distributions, ``T(23).log_sf(3.1)``. Everything is float64. Probabilities that are
shown are computed as natural logarithms, so that z > 38 is not p = 0; those that are only compared with alpha are
plain, because a p that underflows to 0 loses every comparison that the true value loses.

To add a statistic: a class here. `make docs` puts its name into the column ``stat`` of the sample sheet.
"""

import math
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar, Literal

from .types import Sided


class _Late:
    """A module that is imported when it is first used: the Snakefile asks for names and tails only."""

    def __init__(self, name):
        self.name = name

    def __getattr__(self, attribute):
        return getattr(import_module(self.name), attribute)


np: Any = _Late("numpy")
special: Any = _Late("scipy.special")  # `scipy.stats` would triple the start of each script

P_FORMS = ("p", "1-p", "log10p")  # of maps of p values, as the sheet calls them
_LARGEST = 1e150  # beyond it the square of the statistic, hence log p, is no float64
_SMALLEST_P = 1e-280  # below it (t > 35 whatever df) the t distribution is taken from its series
_RESEL = 4 * math.log(2)  # variance of the gradient of a field of unit variance whose width is one resel


def tail_values(values, sided: Sided):
    """The statistic turned so that large means significant: x, -x or |x|, as float64."""
    values = np.asarray(values, dtype=np.float64)
    if sided == "two":
        return np.abs(values)
    return values if sided == "positive" else -values


class Distribution:
    """What all statistics share.

    Attributes
    ----------
    stat : its name in column `stat` of the sample sheet.
    symbol : its letter, in formulas, axes and headings.
    two_tailed : whether values below 0 are evidence too.
    is_field : whether random field theory has Euler characteristic densities for it.
    df : degrees of freedom: of t a number, of F two; of any other statistic those of the residuals behind it, or None.
    """

    df: Any
    stat: ClassVar[str]
    symbol: ClassVar[str]
    two_tailed: ClassVar[bool] = True
    is_field: ClassVar[bool] = False

    @property
    def units(self) -> str:
        """What axes and colour bars call the values."""
        return self.symbol

    @property
    def in_words(self) -> str:
        """The map in a sentence: ``t map with 23 degrees of freedom``."""
        return f"{self.stat} map" + (f" with {self.df:g} degrees of freedom" if self.df_of_noise else "")

    @property
    def lacks_family(self) -> str | None:
        """Why its values are not the p values of a family of tests, for an error; None where they are."""
        return None

    def level_in_words(self, p: float) -> str:
        """A p value as a level: ``p < 0.001 uncorrected``."""
        return f"p < {p:g} uncorrected"

    @property
    def df_of_noise(self) -> float | None:
        """Degrees of freedom of the residuals; None where they are not known."""
        return self.df if isinstance(self.df, int | float) else None

    def lacks(self, sheet_name: str) -> str | None:
        """What the sample sheet has to say before there are p values, for an error; None where there are."""
        return None

    @property
    def has_p(self) -> bool:
        """Whether p values exist."""
        return self.lacks("") is None

    def tails(self, sided: Sided) -> int:
        """How many tails are looked at: 2 or 1."""
        return 2 if sided == "two" and self.two_tailed else 1

    def log_sf(self, values):
        """Natural logarithm of the upper tail probability P(X >= value).

        Parameters
        ----------
        values : array of any shape, finite.

        Returns
        -------
        array of the same shape, float64, finite and at most 0: to a relative 1e-12 (1e-8 for df = 1 and |t| < 1e-4),
        and beyond |value| = 1e150, where it has no float64, that of 1e150.
        """
        return self._log_sf(np.clip(np.asarray(values, dtype=np.float64), -_LARGEST, _LARGEST))

    def sf(self, values):
        """Plain upper tail probability, to compare with alpha."""
        return np.exp(self.log_sf(values))

    def isf(self, p: float) -> float:
        """The value whose upper tail probability is `p`."""
        raise NotImplementedError

    def log_p(self, values, sided: Sided = "two"):
        """Natural logarithm of the p value: of the tail that `sided` names, or of twice that of |value|."""
        return self.log_sf(tail_values(values, sided)) + np.log(self.tails(sided))

    def p(self, values, sided: Sided = "two"):
        """Plain p values, to compare with alpha (0 beyond z = 38): float64, same shape."""
        return self.tails(sided) * self.sf(tail_values(values, sided))

    def cutoff(self, alpha: float, sided: Sided = "two") -> float:
        """The cutoff whose p value is `alpha`, uncorrected: two-sided it leaves alpha / 2 in each tail."""
        return self.isf(alpha / self.tails(sided))

    def stored(self, value: float, dtype, rule: str) -> float:
        """A cutoff as it is compared with values of a file: itself, or what a file of that precision makes of it."""
        return value

    def to_z(self, values):
        """The z that has the same tail probability as each value, with its sign: finite but for F and p near 0."""
        x = np.asarray(values, dtype=np.float64)
        if not self.two_tailed:
            return -special.ndtri_exp(self.log_sf(x))
        return np.copysign(np.maximum(-special.ndtri_exp(self.log_sf(np.abs(x))), 0), x)

    def ec_densities(self, values):
        """Euler characteristic densities of the field in 0 to 3 dimensions, per resel, where `is_field`.

        Worsley et al. 1996 (Hum Brain Mapp 4:58, table II), as SPM12's spm_P_RF has them.

        Parameters
        ----------
        values : (n,) array or float, heights: of z and t any number, of F above 0.

        Returns
        -------
        (4, n) or (4,) float64, the first the tail probability; negative below about 1, where they count no clusters.
        """
        raise NotImplementedError


@dataclass(frozen=True)
class Z(Distribution):
    """A standard normal statistic; `df`, where it is given, is that of the residuals behind it."""

    df: float | None = None
    stat = symbol = "z"
    is_field = True

    def _log_sf(self, x):
        return special.log_ndtr(-x)

    def sf(self, values):
        return special.ndtr(-np.asarray(values, dtype=np.float64))

    def isf(self, p):
        return float(-special.ndtri(p) + 0.0)

    def to_z(self, values):
        return np.asarray(values, dtype=np.float64)

    def ec_densities(self, values):
        x = np.asarray(values, dtype=np.float64)
        return _densities(np.exp(self.log_sf(x)), np.exp(-(x**2) / 2), x, x**2 - 1)


@dataclass(frozen=True)
class T(Distribution):
    """Student's t with `df` degrees of freedom, a number above 0."""

    df: float | None = None
    stat = symbol = "t"
    is_field = True

    def lacks(self, sheet_name):
        if isinstance(self.df, int | float) and 0 < self.df < math.inf:
            return None
        given = "empty" if self.df is None or self.df != self.df else self.df
        return (
            f"needs p values of a t map, but column df of {sheet_name} is {given}; fill in the degrees of freedom, a "
            "number above 0"
        )

    def _log_sf(self, x):
        upper = self._log_sf_of_positive(np.abs(x))
        return np.where(x >= 0, upper, np.log1p(-np.exp(upper)))

    def _log_sf_of_positive(self, t):
        """`log_sf` of t >= 0.

        P(T >= t) = I_x(a, 1/2) / 2, with a = df / 2, x = df / (df + t^2) and I the regularised incomplete beta
        function. Where that underflows, DLMF 8.17.8 and 15.8.1 give, with y = t^2 / df (so that x / (1 - x) = 1 / y),

            I_x(a, 1/2) = (1 + y)^-a (1 + 1/y)^(1/2) Gamma(a + 1/2) / (Gamma(a + 1) sqrt(pi)) S
            S = sum over n of (1/2)_n / (a + 1)_n (-1/y)^n

        whose terms are each less than (2n + 1) / t^2 of the one before: eight are enough at t = 35. As df grows, S
        becomes the asymptotic series 1 - 1/t^2 + 3/t^4 - ... of the normal tail.
        """
        p = special.stdtr(self.df, -t)
        a = self.df / 2
        y = np.maximum(t, 30) ** 2 / self.df
        series = 1.0
        for n in range(7, -1, -1):
            series = 1 - series * (n + 0.5) / (a + 1 + n) / y
        constant = np.log(special.poch(a, 0.5) / (2 * a * np.sqrt(np.pi)))
        far = constant - a * np.log1p(y) + 0.5 * np.log1p(1 / y) + np.log(series)
        return np.where(p < _SMALLEST_P, far, np.log(np.maximum(p, _SMALLEST_P)))

    def sf(self, values):
        return special.stdtr(self.df, -np.asarray(values, dtype=np.float64))

    def isf(self, p):
        return float(-special.stdtrit(self.df, p) + 0.0)

    def ec_densities(self, values):
        x, v = np.asarray(values, dtype=np.float64), float(self.df)
        far = np.exp((1 - v) / 2 * np.log1p(x**2 / v))
        slope = x * np.exp(special.gammaln((v + 1) / 2) - special.gammaln(v / 2)) / np.sqrt(v / 2)
        return _densities(np.exp(self.log_sf(x)), far, slope, (v - 1) * x**2 / v - 1)


@dataclass(frozen=True)
class F(Distribution):
    """F with its two degrees of freedom, `dfn` of the effect and `dfd` of the noise, numbers above 0."""

    dfn: float | None = None
    dfd: float | None = None
    stat = symbol = "F"
    two_tailed = False
    is_field = True

    @property
    def df(self):
        """Both, or what was given for them."""
        return self.dfn if self.dfd is None else (self.dfn, self.dfd)

    @property
    def in_words(self):
        return f"F map with {self.dfn:g} and {self.dfd:g} degrees of freedom" if self.has_p else "F map"

    @property
    def df_of_noise(self):
        return self.dfd

    def lacks(self, sheet_name):
        if all(isinstance(df, int | float) and 0 < df < math.inf for df in (self.dfn, self.dfd)):
            return None
        return (
            f"needs p values of an F map, but column df of {sheet_name} is {self.df}; fill in two degrees of freedom "
            "with a comma, numerator first"
        )

    def _log_sf(self, x):
        """I_x(v/2, k/2) with x = v / (v + k f); where that underflows, the series of t, b for 1/2.

        With a = v/2, b = k/2 and y = k f / v: I_x(a, b) = x^a (1 - x)^(b-1) Gamma(a+b) / (Gamma(a+1) Gamma(b)) S,
        S = sum over n of (1-b)_n / (a+1)_n (-1/y)^n (DLMF 8.17.8 and 15.8.1), which ends or falls fast so far out.
        """
        k, v = self.dfn, self.dfd
        a, b = v / 2, k / 2
        y = k * np.maximum(x, 0) / v
        p = special.betainc(a, b, 1 / (1 + y))
        y = np.where(p < _SMALLEST_P, y, np.inf)
        series = 1.0
        for n in range(59, -1, -1):
            series = 1 + series * (b - 1 - n) / (a + 1 + n) / y
        far = -a * np.log1p(y) - (b - 1) * np.log1p(1 / y) + np.log(series)
        far = far + special.gammaln(a + b) - special.gammaln(a + 1) - special.gammaln(b)
        return np.where(p < _SMALLEST_P, far, np.log(np.maximum(p, _SMALLEST_P)))

    def isf(self, p):
        x = special.betaincinv(self.dfd / 2, self.dfn / 2, p)
        return float(self.dfd * (1 - x) / (self.dfn * x))

    def ec_densities(self, values):
        f, k, v = np.asarray(values, dtype=np.float64), self.dfn, self.dfd
        a = _RESEL / (2 * np.pi)
        y = k * f / v
        far = np.exp(-(v + k - 2) / 2 * np.log1p(y))
        gammaln = special.gammaln
        scale = [np.exp(gammaln((v + k - d) / 2) - gammaln(v / 2) - gammaln(k / 2)) * far for d in (1, 2, 3)]
        quadratic = (v - 1) * (v - 2) * y**2 - (2 * v * k - v - k - 1) * y + (k - 1) * (k - 2)
        return np.stack(
            [
                np.exp(self.log_sf(f)),
                np.sqrt(2 * a) * scale[0] * y ** ((k - 1) / 2),
                a * scale[1] * y ** ((k - 2) / 2) * ((v - 1) * y - (k - 1)),
                a**1.5 / np.sqrt(2) * scale[2] * y ** ((k - 3) / 2) * quadratic,
            ]
        )


@dataclass(frozen=True)
class PValues(Distribution):
    """p values, which a map holds as -log10 p once it is fetched (see `inference.p_maps`).

    `corrected` says for what: ``fwe`` (family-wise error rate), ``fdr`` (false discovery rate), or None.
    """

    df: float | None = None
    corrected: Literal["fwe", "fdr"] | None = None
    stat = "log10p"
    symbol = "−log₁₀ p"
    two_tailed = False

    @property
    def in_words(self):
        return f"map of {self.symbol}" + (f" ({self.corrected.upper()}-corrected)" if self.corrected else "")

    @property
    def lacks_family(self):
        return f"its p values are {self.corrected.upper()}-corrected already" if self.corrected else None

    def level_in_words(self, p):
        return f"{self.corrected.upper()}-corrected p < {p:g}" if self.corrected else super().level_in_words(p)

    def _log_sf(self, x):
        return -np.log(10) * np.maximum(x, 0)

    def isf(self, p):
        return float(-np.log10(p))

    def stored(self, value, dtype, rule):
        """What is one step of the file's precision away from the cutoff counts as equal.

        Permutations give p = 0.05 exactly, and many voxels of it, which a float32 file stores as a little more or less.
        """
        return float(np.nextafter(dtype.type(value), dtype.type(0 if rule == ">=" else np.inf)))


@dataclass(frozen=True)
class Unknown(Distribution):
    """A map of which nothing says what its values are."""

    df: float | None = None
    stat = "other"
    symbol = "x"

    @property
    def units(self):
        return "value"

    @property
    def in_words(self):
        return "map"

    def lacks(self, sheet_name):
        return (
            f"needs p values, but column stat of {sheet_name} is 'other'; fill in z, or t or F together with column "
            "df, or p, 1-p or log10p"
        )


def _densities(tail, far, slope, curve):
    """Densities of z and t from their tail, their Gaussian-like factor, and its first and second derivative."""
    lengths = [np.sqrt(_RESEL) / (2 * np.pi), _RESEL / (2 * np.pi) ** 1.5, _RESEL**1.5 / (2 * np.pi) ** 2]
    return np.stack([tail, lengths[0] * far, lengths[1] * far * slope, lengths[2] * far * curve])


def distribution_of(stat: str, df: float | list[float] | None, corrected: str | None = None) -> Distribution:
    """The distribution that columns `stat`, `df` and `corrected` of the sample sheet name; all of p are `PValues`."""
    if stat in P_FORMS:
        return PValues(df, corrected)  # type: ignore[arg-type]  # what is accepted the schema says
    if stat == F.stat and isinstance(df, list | tuple) and len(df) == 2:
        return F(*df)
    return _CLASSES[stat](df)  # type: ignore[call-arg]  # a t map with two numbers lacks its df


_CLASSES = {statistic.stat: statistic for statistic in Distribution.__subclasses__()}
STATISTICS = [word for stat in _CLASSES for word in (P_FORMS if stat == PValues.stat else [stat])]
