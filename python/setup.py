"""The wheel's tag: for any Python 3, and for this machine's system, since it holds a C library."""
from setuptools import setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.dist import Distribution


class SystemWheel(bdist_wheel):
    def get_tag(self):
        return "py3", "none", super().get_tag()[2]


class SystemDistribution(Distribution):
    def has_ext_modules(self):
        return True


setup(cmdclass={"bdist_wheel": SystemWheel}, distclass=SystemDistribution)
